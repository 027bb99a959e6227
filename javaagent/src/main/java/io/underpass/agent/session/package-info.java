/**
 * The session with the helper: the registration and what keeps it, the numbers that it is asked
 * for, and the promise about datagrams.
 */
package io.underpass.agent.session;
