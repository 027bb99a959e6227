/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Locale;
import java.util.Properties;

/**
 * Whether a group is asked for, and required: read without the rest of the agent, for the case that
 * the rest fails. {@code Settings} reads the same, and checks it.
 */
final class Demand {
  private final String group;
  private final boolean required;

  private Demand(String group, boolean required) {
    this.group = group;
    this.required = required;
  }

  static Demand of(String argument) {
    Properties options = new Properties();
    for (String option : argument == null ? new String[0] : argument.split(",")) {
      int equals = option.indexOf('=');
      if (equals > 0) {
        String key = option.substring(0, equals).trim();
        if (!options.containsKey(key)) {
          options.setProperty(key, option.substring(equals + 1).trim());
        }
      }
    }
    Properties file = file(first("config", options, new Properties()));
    String group = first("group", options, file);
    String required = first("required", options, file);
    boolean marked = group.endsWith("!");
    return new Demand(
        marked ? group.substring(0, group.length() - 1) : group,
        marked || !(required.isEmpty() || required.equals("false")));
  }

  /** Its name; empty if none is asked for. */
  String group() {
    return group;
  }

  boolean isRequired() {
    return required;
  }

  private static String first(String key, Properties options, Properties file) {
    String value = options.getProperty(key);
    if (value == null) {
      value = System.getProperty("underpass." + key);
    }
    if (value == null) {
      value = System.getenv("UNDERPASS_" + key.toUpperCase(Locale.ROOT));
    }
    return value == null ? file.getProperty(key, "").trim() : value;
  }

  private static Properties file(String name) {
    Properties properties = new Properties();
    if (!name.isEmpty()) {
      try (InputStream in = Files.newInputStream(Paths.get(name))) {
        properties.load(in);
      } catch (IOException | IllegalArgumentException e) {
        // Then it demands nothing; where the agent runs, it says so.
        return new Properties();
      }
    }
    return properties;
  }
}
