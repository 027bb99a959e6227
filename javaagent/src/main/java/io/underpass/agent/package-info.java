/**
 * The entry points that the JVM calls, and what loads the rest of the agent, into a module and a
 * class loader of its own.
 */
package io.underpass.agent;
