/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One cell of the grid.
 *
 * @param size in bytes
 * @param transport {@link Transport#SOCKET} or {@link Transport#SELECTOR}
 */
record Cell(Shape shape, int size, Pinning pinning, Transport transport) {

  private static final List<Integer> SIZES = List.of(64, 1024, 4096, 16_384, 65_536, 262_144);
  private static final int KB = 1024;

  /** Before every round: threads must be awake. */
  private static final long LEAD_IN_MILLIS = 30;

  /** The cells of one layout, in the order in which they are measured. */
  static List<Cell> all(Pinning pinning) {
    List<Cell> cells = new ArrayList<>();
    for (Shape shape : Shape.values()) {
      for (int size : SIZES) {
        cells.add(new Cell(shape, size, pinning, Transport.SOCKET));
        cells.add(new Cell(shape, size, pinning, Transport.SELECTOR));
      }
    }
    return cells;
  }

  String name() {
    return "%s %s, %s, %s".formatted(shape.text(), sizeText(), pinning.name(), api());
  }

  private String sizeText() {
    return size < KB ? size + " B" : size / KB + " KB";
  }

  private String api() {
    return transport == Transport.SELECTOR ? "selector" : "blocking";
  }

  /** What is measured of the cell in one pair. */
  Side side(JvmPair pair) {
    return shape == Shape.STREAM
        ? new StreamSide(pair, transport, size, LEAD_IN_MILLIS)
        : new PingSide(
            pair.label(),
            pair,
            transport,
            shape.request(size),
            shape.response(size),
            LEAD_IN_MILLIS,
            PingSide.MEAN);
  }

  /**
   * The parameters of the cell's row.
   *
   * @param other the series that plain is compared with
   */
  Map<String, ?> params(Series other) {
    int request = shape.request(size);
    int response = shape.response(size);
    double upwards = (double) request / (request + response);
    Map<String, Object> params = new LinkedHashMap<>();
    params.put("shape", shape.text());
    params.put("bytes", size);
    params.put("pinning", pinning.name());
    params.put("api", api());
    params.put("redirected", rounded(other.redirectedShare()));
    params.put("redirectedUp", rounded(other.share(other.redirected().up(), upwards)));
    if (response > 0) {
      params.put("redirectedDown", rounded(other.share(other.redirected().down(), 1 - upwards)));
    }
    return params;
  }

  private static double rounded(double share) {
    return Math.round(share * 100) / 100.0;
  }
}
