/**
 * What the agent shows over JMX. The one package that its module exports: JMX has to call these
 * interfaces, and nothing else of the agent is to be had by them.
 */
package io.underpass.agent.jmx;
