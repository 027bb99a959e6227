/**
 * Which methods of the JDK are hooked and how, and the transformer that hooks them. What a JDK has
 * is told by its classes, not by its version.
 */
package io.underpass.agent.weave;
