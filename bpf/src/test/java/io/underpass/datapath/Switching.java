/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.datapath;

import io.underpass.ffm.NativeException;

/** Has all directions of a data path go by TCP, with their sockets where they are. */
public final class Switching {
  private Switching() {}

  /** From the return on nothing is redirected, until {@link #back}. */
  public static void toTcp(KernelDatapath datapath) throws NativeException {
    datapath.passAll(true);
  }

  /** What may be redirected is from now on. */
  public static void back(KernelDatapath datapath) throws NativeException {
    datapath.passAll(false);
  }
}
