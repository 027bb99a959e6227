/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * What the helper's search for flows costs, and how soon it finds one: beside few connections and
 * beside many that are open and idle.
 */
final class SweepSuite implements Suite {

  private static final List<Integer> FLOWS = List.of(10, 10_000);

  @Override
  public String name() {
    return "sweep";
  }

  /** As many newcomers as there are pairs, each used for a round. */
  @Override
  public Plan usual() {
    return new Plan(200, 1, 100, 3000, true, 1);
  }

  @Override
  public String explanation() {
    return """
        A pair of JVMs with so many connections open and idle. Rows "newcomer": these were used until they were redirected; then one connection more \
        exchanges messages of %d bytes without a pause as soon as it is made (`join=now`), and is closed, again and again. First answer: from before `connect`. First redirect: from the \
        end of `connect` to the first message, of either direction, that was redirected; which one that was is told by how many TCP has \
        carried. Rows "helper": how long its own threads were on a processor while nothing was sent, with connections that were used until \
        they were redirected ("settled"), and with some of one message each ("undecided"); and how long it takes to answer."""
        .formatted(IdleFlows.SIZE);
  }

  @Override
  public List<Row> run(Lab lab) throws IOException {
    List<Integer> numbers = FLOWS.stream().filter(lab.selection()::wantsNumber).toList();
    OpenFiles.check(name(), numbers.stream().mapToInt(Integer::intValue).max().orElse(0));
    List<Row> rows = new ArrayList<>();
    for (Pinning pinning : lab.pinnings()) {
      for (int flows : numbers) {
        rows.addAll(NewcomerRows.measure(lab, pinning, flows));
      }
    }
    for (int flows : numbers) {
      rows.addAll(HelperRows.measure(lab, flows));
    }
    Predicate<String> isWanted = lab.selection()::wantsName;
    return rows.stream().filter(row -> isWanted.test(row.name())).toList();
  }

  @Override
  public String verdict(List<Row> rows) {
    return HelperRows.verdict(rows);
  }
}
