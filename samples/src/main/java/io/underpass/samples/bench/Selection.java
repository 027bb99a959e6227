/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.util.List;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/** Which rows of a suite are measured: all, where nothing is said. Set by picocli. */
final class Selection {

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "TEXT",
      description = "Rows whose name holds one of these texts, which are separated by commas.")
  private List<String> texts = List.of();

  @Option(
      names = {"--size", "--number"},
      split = ",",
      paramLabel = "N",
      description =
          "Bytes of a message, in suite connect messages, in suites many and sweep flows.")
  private List<Integer> numbers = List.of();

  @Option(
      names = "--cores",
      split = ",",
      paramLabel = "N",
      description = "1: both ends on one processor; 2: each on its own.")
  private List<Integer> cores = List.of();

  @Option(
      names = "--no-controls",
      description = "Leave the control rows out: a third faster, and blind to the noise.")
  private boolean withoutControls;

  /** Set by tests only; from the command line picocli fills it. */
  static Selection of(List<String> texts, List<Integer> numbers, List<Integer> cores) {
    Selection selection = new Selection();
    selection.texts = texts;
    selection.numbers = numbers;
    selection.cores = cores;
    return selection;
  }

  boolean wantsName(String name) {
    return texts.isEmpty() || texts.stream().anyMatch(name::contains);
  }

  /** {@return regular expressions for names that start with {@code prefix}, and are wanted} */
  List<String> patterns(String prefix) {
    String start = Pattern.quote(prefix) + ".*";
    return texts.isEmpty()
        ? List.of(start)
        : texts.stream().map(text -> start + Pattern.quote(text)).toList();
  }

  boolean wantsNumber(int number) {
    return numbers.isEmpty() || numbers.contains(number);
  }

  boolean wants(Pinning pinning) {
    return cores.isEmpty() || cores.contains(pinning.cores());
  }

  boolean controls() {
    return !withoutControls;
  }
}
