package io.underpass.agent.hooks;

/**
 * Has the kernel's part look after a socket that has joined: it joins again. The program that
 * answers runs in this call, and under the socket's lock, which nobody else could take without
 * waiting for whoever has it. It gives an enrolled socket more room for what is redirected to it,
 * gives back what one has that was taken off, and knows one again that the helper has forgotten.
 *
 * <p>Called by a read or a write of the socket, under that one's lock ({@link Reads}, {@link
 * Paces}), and by the thread of {@link Joins}, without any. That one may meet a descriptor that is
 * being closed, and even one whose number has become another socket's of this JVM. Of one that has
 * joined too, this is harmless: it is tended once more often. One that has not joins a little
 * early, as it may by {@link Joins}.
 */
class Tends {
  private final Sockopts sockopts;

  Tends(Sockopts sockopts) {
    this.sockopts = sockopts;
  }

  /**
   * Tends one of which {@link SocketRecord#isTended} is true. A refusal is none of the join: the
   * helper may have gone, and is not to look again.
   */
  void tend(SocketRecord socket) throws Throwable {
    socket.tend().answered(sockopts.join(socket.fd()));
  }
}
