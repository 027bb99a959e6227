/** What answers behind the beans; loaded only in a JVM that uses JMX, but for one class. */
package io.underpass.agent.beans;
