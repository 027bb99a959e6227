/** The benchmarks: pairs of JVMs, plain and accelerated in turn, on processors of their own. */
package io.underpass.samples.bench;
