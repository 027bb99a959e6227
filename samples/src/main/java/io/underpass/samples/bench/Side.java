/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.IOException;

/** One of the things that are compared: measured in turn with the others, idle while they are. */
interface Side {

  /** A plain pair of JVMs. */
  String PLAIN = "plain";

  /** A pair of JVMs with the agent. */
  String ACCELERATED = "accelerated";

  /** A second plain pair: what the first one is compared with to see the noise. */
  String CONTROL = "control";

  String label();

  /** Opens what the rounds need. */
  void begin() throws IOException;

  Sample measure(long millis) throws IOException;

  /** Closes it again; the JVMs stay for the next row. */
  void end() throws IOException;

  /** Bytes sent past the TCP/IP stack since the start, by both ends. */
  default Carried redirected() {
    return Carried.NOTHING;
  }
}
