/**
 * {@code make sample-ports}: two web servers of one host on one port, each in a group of its own.
 */
package io.underpass.samples.ports;
