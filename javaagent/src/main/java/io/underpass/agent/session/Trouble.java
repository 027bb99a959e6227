/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.session;

import io.underpass.protocol.WireException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * Why this JVM is not registered, and what helps against it.
 *
 * @param reason half a sentence that names the cause
 * @param remedy half a sentence that names what to do
 */
public record Trouble(String reason, String remedy) {
  private static final String START = "start it: underpass helper";

  /** What stands in the way of opening the socket; null if nothing is to be seen from here. */
  static Trouble ofSocket(Path socket) {
    try {
      if (!Files.readAttributes(socket, BasicFileAttributes.class).isOther()) {
        return new Trouble(
            socket + " is not a socket", "let the option socket name the helper's socket");
      }
      return null;
    } catch (NoSuchFileException e) {
      return new Trouble("there is no helper at " + socket, START);
    } catch (AccessDeniedException e) {
      return denied(socket);
    } catch (IOException e) {
      return new Trouble(
          socket + " cannot be read (" + e.getMessage() + ")",
          "let the option socket name the helper's socket");
    }
  }

  /** What a failed attempt to register means. */
  static Trouble ofFailure(Path socket, IOException failure) {
    if (failure instanceof WireException refusal) {
      return ofRefusal(refusal);
    }
    if (failure instanceof SocketTimeoutException) {
      return new Trouble(
          failure.getMessage() + " at " + socket, "see whether it is overloaded or stopped");
    }
    if (failure instanceof HelperOwner.Stranger) {
      return new Trouble(
          "the helper at " + socket + " is not trusted (" + failure.getMessage() + ")",
          "let root run it, or let the option socket name another one");
    }
    if (!Files.isWritable(socket)) {
      return denied(socket);
    }
    return new Trouble(
        "the helper at " + socket + " cannot be reached (" + failure.getMessage() + ")", START);
  }

  /**
   * This JDK lacks a member that a repair is woven into: an accelerated socket would be seen to
   * differ from plain TCP.
   */
  static Trouble ofRepair(String missing) {
    return new Trouble(
        "this JDK is not as expected: " + missing,
        "run another update of the JDK, or another release of the agent");
  }

  /** This JVM makes the JDK's older sockets, which are not woven. */
  static Trouble ofOldSockets(String option) {
    return new Trouble(
        "the option " + option + " has this JVM make sockets that cannot be accelerated",
        "leave it out");
  }

  /** The helper's programs answer at a level of socket options that is not this agent's. */
  static Trouble ofLevel(Path socket, String level, String own) {
    return new Trouble(
        "the helper at " + socket + " names level " + level + " for socket options, and not " + own,
        "run the agent and the helper of one release");
  }

  private static Trouble denied(Path socket) {
    return new Trouble(
        "this user may not open " + socket, "add the user to the group that owns the socket");
  }

  private static Trouble ofRefusal(WireException refusal) {
    String remedy =
        switch (refusal.code()) {
          case DENIED -> "admit this user in the helper's policy file";
          case PROTO -> "run the agent and the helper of one release";
          case FULL -> "see underpass status for who is registered";
          case UNAVAILABLE -> "see underpass status for what the kernel lacks";
          default -> "see the helper's output";
        };
    return new Trouble("the helper refused (" + refusal.getMessage() + ")", remedy);
  }
}
