/**
 * What the JDK's classes call; the build moves this package to {@code sun.nio.ch}, and the agent
 * defines its class there.
 */
package io.underpass.agent.bridge;
