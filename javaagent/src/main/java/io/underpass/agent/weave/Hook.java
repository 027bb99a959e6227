package io.underpass.agent.weave;

import io.underpass.agent.bridge.UnderpassBridge;

/**
 * One hook: a call of the bridge at one place of one method.
 *
 * @param where at which place
 * @param method internal name and descriptor, in one
 * @param event what the bridge is told, where it is told an event; at {@link Where#FAILURE} what
 *     failed
 * @param fd the file descriptor that it is told
 * @param family the protocol family; null if it can only be TCP
 * @param flag a boolean; null for false, at {@link Where#READ} for true. At {@link Where#WRITE} the
 *     number of bytes
 */
record Hook(Where where, String method, int event, Load fd, Load family, Load flag) {
  /** The places. Only {@link #WRITE} and {@link #FAILURE} add a stack map frame. */
  enum Where {
    /** Before the first instruction. */
    ENTER,
    /** Before each return; not where the method throws. */
    EXIT,
    /** The same, and the bridge gets the returned object. */
    RESULT,
    /**
     * After the only call of {@code Net.available(fd)}, which gets its answer looked through.
     *
     * <p>At the call, since at the method's exit its lock is gone, and the number of the file
     * descriptor may already be another socket's.
     */
    AVAILABLE,
    /**
     * Before the only call of {@code Net.sendOOB(fd, b)}, inside the method's lock for the same
     * reason.
     */
    SEND_OOB,
    /**
     * Before the first instruction of a method of a descriptor, an address and a size; the bridge
     * may do the method's work, and tells its result.
     */
    WRITE,
    /**
     * Before the only call of {@code EPoll.wait(epoll, events, n, timeout)}; the bridge gets the
     * timeout, and two fields.
     */
    SELECT,
    /** Before each return; the bridge gets the descriptor, and whether the read blocks. */
    READ,
    /** Before each return; the bridge gets the returned number, and returns it or throws. */
    ANSWER,
    /**
     * Where the method throws an {@code IOException}; it throws what the bridge returns. Of the
     * hooks of a method this has to be named first: then it covers what they throw, too.
     */
    FAILURE
  }

  static Hook enter(String method, int event, Load fd) {
    return new Hook(Where.ENTER, method, event, fd, null, null);
  }

  static Hook exit(String method, int event, Load fd) {
    return new Hook(Where.EXIT, method, event, fd, null, null);
  }

  static Hook result(String method) {
    return new Hook(Where.RESULT, method, -1, null, null, null);
  }

  static Hook available(String method) {
    return new Hook(Where.AVAILABLE, method, -1, null, null, null);
  }

  static Hook sendOob(String method) {
    return new Hook(Where.SEND_OOB, method, UnderpassBridge.URGENT, null, null, null);
  }

  static Hook write(String method, Load fd, Load size) {
    return new Hook(Where.WRITE, method, -1, fd, null, size);
  }

  /**
   * @param what the bridge's {@code WRITE}, {@code READ} or {@code TRANSFER}
   */
  static Hook failure(String method, Load fd, int what) {
    return new Hook(Where.FAILURE, method, what, fd, null, null);
  }

  static Hook answer(String method, Load fd) {
    return new Hook(Where.ANSWER, method, -1, fd, null, null);
  }

  static Hook read(String method, Load fd, Load blocks) {
    return new Hook(Where.READ, method, -1, fd, null, blocks);
  }

  static Hook select(String method, Load epoll, Load events) {
    return new Hook(Where.SELECT, method, -1, epoll, null, events);
  }

  Hook family(Load load) {
    return new Hook(where, method, event, fd, load, flag);
  }

  Hook flag(Load load) {
    return new Hook(where, method, event, fd, family, load);
  }

  /**
   * Something to load: a local variable, or a field of what a local variable holds.
   *
   * @param local its index; the methods are instance methods, so 0 is {@code this}
   * @param field the field's name; null for the variable itself
   * @param descriptor of the field or the variable
   */
  record Load(int local, String field, String descriptor) {
    static Load field(String name, String descriptor) {
      return new Load(0, name, descriptor);
    }

    static Load argument(int local, String descriptor) {
      return new Load(local, null, descriptor);
    }

    /** The same field of another object of the class, an argument. */
    Load of(int otherLocal) {
      return new Load(otherLocal, field, descriptor);
    }
  }
}
