/**
 * What the advice calls from inside the JDK's socket classes: records, counters and socket options.
 */
package io.underpass.agent.hooks;
