/**
 * The entry points that the JVM calls; everything else of the agent is loaded by the boot class
 * loader.
 */
package io.underpass.agent;
