/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import io.underpass.agent.Jdk;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/** The hooked classes as JDKs have them, read once. */
final class JdkClasses {
  private static final Map<String, byte[]> READ = new HashMap<>();

  private JdkClasses() {}

  /** Null if that JDK has no such class. */
  static synchronized byte[] of(Jdk jdk, String type) throws IOException {
    String key = jdk.home() + " " + type;
    if (!READ.containsKey(key)) {
      String module = type.startsWith("java/lang/management") ? "java.management" : "java.base";
      READ.put(key, jdk.classFile(module, type));
    }
    return READ.get(key);
  }
}
