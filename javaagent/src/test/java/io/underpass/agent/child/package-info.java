/**
 * Programs that tests run with the agent. They are compiled for Java 17, since that is where some
 * of them run.
 */
package io.underpass.agent.child;
