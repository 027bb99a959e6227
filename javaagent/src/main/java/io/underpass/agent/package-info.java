/**
 * The entry points that the JVM calls, and the loader of the rest of the agent, which is in a
 * module and a class loader of its own.
 */
package io.underpass.agent;
