/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

/** What one end of a connection does next; nothing where its socket is closed already. */
sealed interface Step {
  /** One write of so many bytes, gathered from so many buffers. */
  record Write(Side side, int size, int pieces) implements Step {
    @Override
    public String toString() {
      return side + " writes " + size + (pieces > 1 ? " in " + pieces + " pieces" : "");
    }
  }

  /**
   * So many bytes, written by a thread of its own to a reader that stalls: it blocks, and goes on
   * blocking over the steps and events that follow, until the other end reads or this one goes on.
   * Where nothing blocks, a write.
   */
  record Flood(Side side, int size) implements Step {
    @Override
    public String toString() {
      return side + " floods " + size;
    }
  }

  /** A byte of urgent data; as the agent does, pinned to TCP before. */
  record Urgent(Side side) implements Step {
    @Override
    public String toString() {
      return side + " sends urgent data";
    }
  }

  /** So many writes of so many bytes each, one after the other. */
  record Burst(Side side, int times, int size) implements Step {
    @Override
    public String toString() {
      return side + " writes " + times + " times " + size;
    }
  }

  /**
   * One read of at most so many bytes; where a thread of its own reads, it is waited for a while.
   */
  record Read(Side side, int most, int pieces) implements Step {
    @Override
    public String toString() {
      return side + " reads " + most + (pieces > 1 ? " in " + pieces + " pieces" : "");
    }
  }

  /** Asks how much can be read, as the agent does for {@code available()}. */
  record Available(Side side) implements Step {
    @Override
    public String toString() {
      return side + " asks what is available";
    }
  }

  /** Nothing for a while. */
  record Pause(int micros) implements Step {
    @Override
    public String toString() {
      return "pause " + micros + " us";
    }
  }

  /** This end sends by TCP from now on, and the flow is un-enrolled. */
  record PinTcp(Side side) implements Step {
    @Override
    public String toString() {
      return side + " is pinned to TCP";
    }
  }

  /** Half-close. */
  record Shutdown(Side side) implements Step {
    @Override
    public String toString() {
      return side + " shuts its output down";
    }
  }

  /**
   * Close.
   *
   * @param abort with SO_LINGER 0
   */
  record Close(Side side, boolean abort) implements Step {
    @Override
    public String toString() {
      return side + (abort ? " aborts" : " closes");
    }
  }
}
