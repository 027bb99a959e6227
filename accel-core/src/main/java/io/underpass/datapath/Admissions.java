/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.datapath;

import io.underpass.accel.Callers;
import io.underpass.accel.Claims;
import io.underpass.accel.OptionHooks;
import io.underpass.accel.Registrations;
import io.underpass.accel.TotalsTable;
import io.underpass.ffm.NativeException;
import io.underpass.kernel.Namespaces;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.WireException;
import io.underpass.service.Registration;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * How a process becomes registered in the kernel, is looked at again, and is registered no more.
 * Thread-safe; what may wait for a process is done under no lock (see {@link Claims}).
 */
final class Admissions {
  /** Of {@link KernelDatapath}: guards the next three. */
  private final ReentrantLock lock;

  private final Registrations registrations;
  private final OptionHooks hooks;
  private final TotalsTable totals;
  private final Claims claims;
  private final Callers callers;
  private final Namespaces namespaces;
  private final BooleanSupplier stopping;
  private final Runnable sweepSoon;
  private final Consumer<String> trouble;

  /**
   * @param stopping whether nobody is admitted any more
   * @param sweepSoon has the sockets visited that have been claimed, or belong to nobody
   */
  Admissions(
      ReentrantLock lock,
      Registrations registrations,
      OptionHooks hooks,
      TotalsTable totals,
      Claims claims,
      Callers callers,
      Namespaces namespaces,
      BooleanSupplier stopping,
      Runnable sweepSoon,
      Consumer<String> trouble) {
    this.lock = lock;
    this.registrations = registrations;
    this.hooks = hooks;
    this.totals = totals;
    this.claims = claims;
    this.callers = callers;
    this.namespaces = namespaces;
    this.stopping = stopping;
    this.sweepSoon = sweepSoon;
    this.trouble = trouble;
  }

  /** See {@link io.underpass.service.Datapath#admit}. */
  void admit(Registration registration) throws IOException {
    Registrations.Entry entry;
    lock.lock();
    try {
      refuseIfStopping();
      entry = registrations.begin(registration);
      totals.clear(entry.slot());
    } finally {
      lock.unlock();
    }
    try {
      look(entry, registration, true);
      callers.check(registration); // after what it is was noted
      lock.lock();
      try {
        registrations.checkMarked(registration);
        registrations.claimed(entry, claims.visitsFiles());
      } finally {
        lock.unlock();
      }
    } catch (IOException | RuntimeException | Error e) {
      end(registration);
      throw e;
    }
  }

  private void refuseIfStopping() throws WireException {
    if (stopping.getAsBoolean()) {
      throw new WireException(ErrorCode.UNAVAILABLE, "the helper stops");
    }
  }

  /** See {@link io.underpass.service.Datapath#claim}. */
  void claim(Registration registration) throws IOException {
    Registrations.Entry entry;
    lock.lock();
    try {
      refuseIfStopping();
      entry = registrations.entryOf(registration.id());
    } finally {
      lock.unlock();
    }
    if (entry != null) {
      look(entry, registration, false);
    }
  }

  /**
   * Hooks the cgroups of a process's sockets, and has the sockets claimed. What it makes meanwhile
   * its agent asks for, when it has the answer.
   */
  private void look(Registrations.Entry entry, Registration registration, boolean fresh)
      throws IOException {
    claims.begin(entry, fresh);
    try {
      Set<Long> cgroups = claims.look(entry.pid(), entry.id());
      lock.lock();
      try {
        refuseIfStopping(); // its pins may be gone by now
        hooks.use(entry.id(), entry.uid(), cgroups);
      } finally {
        lock.unlock();
      }
      claims.mark(entry, registration);
    } finally {
      claims.end(entry.pid());
    }
    sweepSoon.run();
  }

  /** Its sockets are nobody's from here on. */
  void end(Registration registration) {
    lock.lock();
    try {
      registrations.dismiss(registration.id());
    } catch (NativeException e) {
      trouble.accept("dismiss " + registration.pid() + ": " + e.getMessage());
    } finally {
      lock.unlock();
    }
    namespaces.leave(registration.id());
    sweepSoon.run();
  }
}
