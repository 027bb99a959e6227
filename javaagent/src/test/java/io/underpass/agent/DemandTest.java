/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.config.Settings;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is demanded is the same, whoever reads it. */
class DemandTest {
  @TempDir Path folder;

  @ParameterizedTest
  @NullSource
  @ValueSource(
      strings = {
        "",
        "group=blue",
        " group = blue! ",
        "group=blue,group=green!",
        "flows=7,group=blue,required=true",
        "group=blue,required=false",
        "group=blue,required=maybe",
        "required=true",
        "group=!",
        ",=,required,group",
      })
  void theAgentReadsTheSame(String argument) {
    Settings settings = Settings.read(argument);
    Demand demand = Demand.of(argument);
    assertEquals(settings.required(), demand.isRequired());
    assertEquals(settings.wish() == null ? "" : settings.wish().group(), demand.group());
  }

  @Test
  void aFileIsReadToo() throws Exception {
    Path file = Files.writeString(folder.resolve("a.properties"), "group = blue!\n");
    assertEquals("blue", Demand.of("config=" + file).group());
    assertEquals(true, Demand.of("config=" + file).isRequired());
    assertEquals(false, Demand.of("group=green,config=" + file).isRequired());
    assertEquals(false, Demand.of("config=" + folder.resolve("none")).isRequired());
  }
}
