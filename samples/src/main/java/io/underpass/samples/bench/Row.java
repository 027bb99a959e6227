/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * One line of a report, as it stands in the JSON.
 *
 * <p>A row whose name starts with {@link #CONTROL} compares plain with plain: {@code accelerated}
 * is the second plain pair, and the ratio shows the noise. A row whose name starts with {@link
 * #REFERENCE} compares plain TCP with something else, whose figure is {@code value}, and has no
 * {@code accelerated}. In a row whose name starts with {@link #AGAINST}, {@code plain} is the
 * UNIX-domain socket in place of plain TCP.
 *
 * @param ratio the median of the pairs' ratios, above 1 is better
 * @param lowest of the pairs' ratios
 * @param highest of the pairs' ratios
 * @param rounds how many pairs
 * @param redirectedShare the part of the accelerated side's payload that went past the TCP/IP
 *     stack, 0 to 1; null where there was none, or it was not looked at
 */
record Row(
    String name,
    Map<String, ?> params,
    Double plain,
    Double accelerated,
    Double ratio,
    Unit unit,
    int rounds,
    @JsonInclude(JsonInclude.Include.NON_NULL) Double value,
    @JsonInclude(JsonInclude.Include.NON_NULL) Double lowest,
    @JsonInclude(JsonInclude.Include.NON_NULL) Double highest,
    @JsonInclude(JsonInclude.Include.NON_NULL) Double plainP99,
    @JsonInclude(JsonInclude.Include.NON_NULL) Double acceleratedP99,
    @JsonInclude(JsonInclude.Include.NON_NULL) Double redirectedShare) {

  static final String CONTROL = "control: ";
  static final String REFERENCE = "reference: ";
  static final String AGAINST = "against UNIX-domain: ";

  /** Compares two series of the same rounds. */
  static Row compare(String name, Map<String, ?> params, Unit unit, Series plain, Series other) {
    double[] ratios = ratios(unit, plain, other);
    return new Row(
        name,
        params,
        plain.median(),
        other.median(),
        Series.median(ratios),
        unit,
        ratios.length,
        null,
        IntStream.range(0, ratios.length).mapToDouble(i -> ratios[i]).min().orElse(Double.NaN),
        IntStream.range(0, ratios.length).mapToDouble(i -> ratios[i]).max().orElse(Double.NaN),
        number(plain.medianP99()),
        number(other.medianP99()),
        number(other.redirectedShare()));
  }

  /** Sets something that is no accelerated TCP beside plain TCP. */
  static Row reference(String name, Map<String, ?> params, Unit unit, Series plain, Series other) {
    Row compared = compare(REFERENCE + name, params, unit, plain, other);
    return new Row(
        compared.name,
        params,
        compared.plain,
        null,
        compared.ratio,
        unit,
        compared.rounds,
        compared.accelerated,
        compared.lowest,
        compared.highest,
        compared.plainP99,
        null,
        null);
  }

  /** A figure that nothing is compared with. */
  static Row figure(String name, Map<String, ?> params, Unit unit, double value) {
    return new Row(name, params, null, null, null, unit, 1, value, null, null, null, null, null);
  }

  /** The same row with a figure of its own besides. */
  Row withValue(double figure) {
    return new Row(
        name,
        params,
        plain,
        accelerated,
        ratio,
        unit,
        rounds,
        figure,
        lowest,
        highest,
        plainP99,
        acceleratedP99,
        redirectedShare);
  }

  private static double[] ratios(Unit unit, Series plain, Series other) {
    return IntStream.range(0, Math.min(plain.size(), other.size()))
        .mapToDouble(round -> unit.ratio(plain.value(round), other.value(round)))
        .toArray();
  }

  private static Double number(double value) {
    return Double.isNaN(value) ? null : value;
  }
}
