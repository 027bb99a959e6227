/**
 * The data path as the helper drives it: {@code accel}, {@code ports} and {@code probe} put
 * together.
 */
package io.underpass.datapath;
