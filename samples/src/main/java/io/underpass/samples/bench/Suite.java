/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.IOException;
import java.util.List;

/** One kind of measurement, which makes one report. */
interface Suite {

  /** As it is called on the command line. */
  String name();

  /** What stands above the table: what is measured, and how. */
  String explanation();

  List<Row> run(Lab lab) throws IOException;

  /** How much is measured where the command line says nothing. */
  default Plan usual() {
    return new Plan(9, 3, 800, 1500, true);
  }

  /** What the rows come to, in a few lines; empty where there is nothing to add to the table. */
  default String verdict(List<Row> rows) {
    return "";
  }
}
