/** Starts, pins, watches and ends the processes that the demo and the benchmarks are made of. */
package io.underpass.samples.process;
