/**
 * Which JDK methods are hooked and how, the transformer that hooks them, and what {@code java.base}
 * is made to allow.
 */
package io.underpass.agent.weave;
