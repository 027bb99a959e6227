/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.report;

import io.underpass.agent.jdk.Threads;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/**
 * The errors of the agent that the application does not see. Each kind is kept once, with its count
 * and times; the first of a kind is one line on standard error too.
 *
 * <p>Two errors are of one kind if they have the same type and were thrown at the same place. The
 * log keeps the first {@link #MOST_KINDS} kinds and only counts the errors of others.
 */
public final class ErrorLog {
  /** All errors of this JVM's agent. */
  public static final ErrorLog AGENT = new ErrorLog();

  /** An agent that fails in more ways than this is not understood better by more rows. */
  static final int MOST_KINDS = 32;

  /** The frames that tell two places apart, and that a row shows. */
  static final int TOP_FRAMES = 6;

  /** Characters of a message. */
  private static final int LONGEST = 200;

  private static final String OWN = "io.underpass.";

  private final LongAdder count = new LongAdder();

  /** In order of their first error; guarded by this. */
  private final Map<Kind, Seen> kinds = new LinkedHashMap<>();

  /** The type, and the place: the top frames. */
  private record Kind(String type, List<StackTraceElement> frames) {}

  /**
   * All errors of one kind.
   *
   * @param type the class of the error
   * @param message of the first one
   * @param frames where it was thrown, innermost first
   * @param count how many there were
   * @param first when the first one was, in milliseconds since 1970
   * @param last when the last one was
   */
  public record Seen(
      String type, String message, List<String> frames, long count, long first, long last) {}

  ErrorLog() {}

  /** Keeps an error. Nothing is locked, or said, before there is one. */
  public void add(Throwable e) {
    count.increment(); // first: what follows may fail too, for want of memory or stack
    StackTraceElement[] trace = e.getStackTrace();
    List<StackTraceElement> top = List.of(trace).subList(0, Math.min(trace.length, TOP_FRAMES));
    Seen first = keep(new Kind(e.getClass().getName(), List.copyOf(top)), e);
    if (first != null) {
      // The thread of this call may hold a lock of the application that its own standard error
      // needs.
      Threads.daemon("underpass-report", new Line(first)).start();
    }
  }

  /** How many errors there were, of all kinds. */
  public long count() {
    return count.sum();
  }

  /** The kinds that there were, in the order of their first errors. */
  public synchronized List<Seen> seen() {
    return List.copyOf(kinds.values());
  }

  /** Returns what is to be said, where this is the first of its kind; null else. */
  private synchronized Seen keep(Kind kind, Throwable e) {
    long now = System.currentTimeMillis();
    Seen before = kinds.get(kind);
    if (before != null) {
      kinds.put(
          kind,
          new Seen(
              before.type,
              before.message,
              before.frames,
              before.count + 1,
              before.first,
              Math.max(now, before.last)));
      return null;
    }
    if (kinds.size() == MOST_KINDS) {
      return null;
    }
    Seen first = new Seen(kind.type, message(e), texts(kind.frames), 1, now, now);
    kinds.put(kind, first);
    return first;
  }

  private static String message(Throwable e) {
    String message = e.getMessage() == null ? "" : e.getMessage();
    if (e.getCause() != null) {
      message += (message.isEmpty() ? "" : "; ") + "caused by " + e.getCause();
    }
    return message.length() <= LONGEST ? message : message.substring(0, LONGEST) + "...";
  }

  private static List<String> texts(List<StackTraceElement> frames) {
    List<String> texts = new ArrayList<>();
    for (StackTraceElement frame : frames) {
      // Without the module and its version: they are the same in all frames that matter.
      texts.add(
          frame.getClassName()
              + "."
              + frame.getMethodName()
              + "("
              + frame.getFileName()
              + ":"
              + frame.getLineNumber()
              + ")");
    }
    return texts;
  }

  /** The innermost frame of the agent's own; the innermost of all if there is none. */
  private static String ownOf(List<String> frames) {
    for (String frame : frames) {
      if (frame.startsWith(OWN)) {
        return frame;
      }
    }
    return frames.get(0);
  }

  private record Line(Seen first) implements Runnable {
    @Override
    public void run() {
      String message = first.message.isEmpty() ? "" : ": " + first.message;
      String place = first.frames.isEmpty() ? "" : " at " + ownOf(first.frames);
      Console.say(
          "the agent failed, and the program goes on ("
              + first.type
              + message.replaceAll("\\s+", " ")
              + place
              + "); report this, with LastErrors of the bean Accelerator");
    }
  }
}
