package io.underpass.agent.jmx;

/**
 * One row of the table: a socket that is bound to a port of the group.
 *
 * @param since when it was bound, ISO 8601, in UTC
 * @param published whether others reach it at {@code port} too
 * @param confined whether only the group may connect to it
 */
public record PortRow(
    String group,
    int port,
    int real,
    String protocol,
    String address,
    int pid,
    String since,
    boolean published,
    boolean confined) {}
