/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

/** What goes to and fro on a connection of the grid, for one size. */
enum Shape {
  REQUEST_RESPONSE("request/response") {
    @Override
    int request(int size) {
      return size;
    }

    @Override
    int response(int size) {
      return size;
    }
  },

  /** One way, without a pause. */
  STREAM("stream") {
    @Override
    int request(int size) {
      return size;
    }

    @Override
    int response(int size) {
      return 0;
    }
  },

  /** A small request, an answer of the size: a download. */
  UNEVEN_DOWN("uneven down") {
    @Override
    int request(int size) {
      return SMALL;
    }

    @Override
    int response(int size) {
      return size;
    }
  },

  /** A request of the size, a small answer: an upload. */
  UNEVEN_UP("uneven up") {
    @Override
    int request(int size) {
      return size;
    }

    @Override
    int response(int size) {
      return SMALL;
    }
  };

  /** The other message of an uneven exchange, in bytes. */
  static final int SMALL = 64;

  private final String text;

  Shape(String text) {
    this.text = text;
  }

  /** As it stands in the rows' names. */
  String text() {
    return text;
  }

  /** Bytes that the client sends at a time. */
  abstract int request(int size);

  /** Bytes that the server answers with. */
  abstract int response(int size);

  Unit unit() {
    return this == STREAM ? Unit.MEGABYTES_PER_SECOND : Unit.MICROS;
  }
}
