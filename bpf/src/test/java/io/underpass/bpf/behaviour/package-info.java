/**
 * A program that does with sockets what programs do, and prints what it sees: one line for each
 * observation, the same in every run. {@link io.underpass.bpf.behaviour.Program} is run by a test,
 * which compares a run over plain TCP with runs that are accelerated.
 *
 * <p>It uses nothing of Underpass. Where a mode begins or ends is steered by the test ({@link
 * io.underpass.bpf.behaviour.Steering}).
 */
package io.underpass.bpf.behaviour;
