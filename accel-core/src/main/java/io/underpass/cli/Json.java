/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import io.underpass.Reason;
import io.underpass.protocol.HelperState;
import io.underpass.protocol.Probe;
import java.io.IOException;
import java.io.PrintWriter;
import picocli.CommandLine.Option;

/**
 * The option that asks for JSON; names are those of the records in {@code io.underpass.protocol}.
 */
final class Json {
  @Option(names = "--json", description = "for programs to read")
  private boolean asked;

  boolean isAsked() {
    return asked;
  }

  void print(PrintWriter out, Object value) throws JsonProcessingException {
    out.print(writer().writeValueAsString(value) + "\n");
    out.flush();
  }

  /** Reasons, states and outcomes have the same words as everywhere else. */
  private static ObjectWriter writer() {
    SimpleModule words =
        new SimpleModule()
            .addSerializer(
                Reason.class,
                new JsonSerializer<>() {
                  @Override
                  public void serialize(Reason reason, JsonGenerator to, SerializerProvider by)
                      throws IOException {
                    to.writeString(reason.wireName());
                  }
                })
            .addSerializer(
                HelperState.class,
                new JsonSerializer<>() {
                  @Override
                  public void serialize(HelperState state, JsonGenerator to, SerializerProvider by)
                      throws IOException {
                    to.writeString(state.wireName());
                  }
                })
            .addSerializer(
                Probe.Outcome.class,
                new JsonSerializer<>() {
                  @Override
                  public void serialize(
                      Probe.Outcome outcome, JsonGenerator to, SerializerProvider by)
                      throws IOException {
                    to.writeString(outcome.wireName());
                  }
                });
    return JsonMapper.builder().addModule(words).build().writerWithDefaultPrettyPrinter();
  }
}
