/** The command line: {@code bin/underpass helper}, {@code status}, {@code flows}, and so on. */
package io.underpass.cli;
