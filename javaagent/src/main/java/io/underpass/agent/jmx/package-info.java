/** What the agent publishes over JMX; loaded only in a JVM that uses JMX. */
package io.underpass.agent.jmx;
