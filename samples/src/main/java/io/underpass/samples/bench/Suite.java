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
}
