/** The command line: {@code bin/underpass helper}, {@code status} and {@code flows}. */
package io.underpass.cli;
