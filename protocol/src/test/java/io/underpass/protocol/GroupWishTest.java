/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GroupWishTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "auto",
        "127.20.0.7",
        "0.0.0.1",
        "255.255.255.254",
        "10.0.199.99",
        "fd00::7",
        "::2",
        "2001:db8:0:0:0:0:0:1",
        "::ffff:10.1.2.3",
        "FD00::A"
      })
  void anAddressIsTakenAsItIsWritten(String text) {
    assertEquals(text, GroupWish.identity(text));
  }

  /** A name would be asked of a name service, from a thread of the application. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "localhost",
        "example.com",
        "cafe",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.04",
        "0x7f.0.0.1",
        "127.20.0.7.example.com",
        "g::1",
        ":",
        "fd00::7%lo",
        "[fd00::7]",
        "1:2:3"
      })
  void whatIsNoAddressIsRefusedWithoutALookUp(String text) {
    assertThrows(IllegalArgumentException.class, () -> GroupWish.identity(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.0.0.0", "::", "127.0.0.1", "::1", "224.0.0.1", "ff02::1"})
  void anAddressThatNobodyHasForItselfIsRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> GroupWish.identity(text));
  }
}
