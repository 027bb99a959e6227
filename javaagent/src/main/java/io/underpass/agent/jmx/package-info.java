/**
 * What the agent shows over JMX. The one package that its module exports: JMX has to call these
 * interfaces, and nothing else of the agent is to be had by them.
 *
 * <p>A row is a record with getters. JMX knows records since JDK 21, and getters always.
 */
package io.underpass.agent.jmx;
