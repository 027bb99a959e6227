/**
 * What the JDK's socket classes call, through the bridge: the dispatch ({@code Hooks}), the repairs
 * of what an accelerated socket would show differently, the rules of waiting, and the table of
 * sockets that all of them look at.
 *
 * <p>A plural name is a service ({@code Spins}); the singular is its memory of one socket ({@code
 * Spin}).
 */
package io.underpass.agent.hooks;
