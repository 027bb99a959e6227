/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.testing;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.NameAndTypeEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Which packages the classes of some folders name: what they extend, call, hold and declare. */
public final class Packages {
  /** By a package, those that it needs; itself is left out. */
  private final Map<String, Set<String>> needs = new TreeMap<>();

  private Packages() {}

  /**
   * Reads all class files below some folders.
   *
   * @param folders such as {@code target/classes}
   */
  public static Packages of(Path... folders) throws IOException {
    Packages packages = new Packages();
    for (Path folder : folders) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.filter(f -> f.toString().endsWith(".class")).toList()) {
          packages.add(ClassFile.of().parse(file));
        }
      }
    }
    return packages;
  }

  /** The packages that have classes here. */
  public Set<String> all() {
    return needs.keySet();
  }

  /** What a package needs of other packages, the JDK's included. */
  public Set<String> neededBy(String name) {
    return needs.get(name);
  }

  /** The packages of the folders that need one for which this holds. */
  public Set<String> whichNeed(Predicate<String> needed) {
    return needs.entrySet().stream()
        .filter(e -> e.getValue().stream().anyMatch(needed))
        .map(Map.Entry::getKey)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The packages that reach themselves by way of others. */
  public Set<String> inCycles() {
    return needs.keySet().stream()
        .filter(name -> reachedFrom(name).contains(name))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private Set<String> reachedFrom(String name) {
    Set<String> reached = new TreeSet<>();
    Deque<String> open = new ArrayDeque<>(List.of(name));
    while (!open.isEmpty()) {
      for (String next : needs.getOrDefault(open.pop(), Set.of())) {
        if (reached.add(next)) {
          open.push(next);
        }
      }
    }
    return reached;
  }

  private void add(ClassModel model) {
    String own = model.thisClass().asSymbol().packageName();
    Set<String> needed = needs.computeIfAbsent(own, _ -> new TreeSet<>());
    model.fields().forEach(field -> add(needed, field.fieldTypeSymbol()));
    model.methods().forEach(method -> add(needed, method.methodTypeSymbol()));
    for (PoolEntry entry : model.constantPool()) {
      switch (entry) {
        case ClassEntry type -> add(needed, type.asSymbol());
        case NameAndTypeEntry member -> add(needed, member.type().stringValue());
        default -> {
          // A number, a text, or one that stands upon those above.
        }
      }
    }
    needed.remove(own);
  }

  private static void add(Set<String> needed, String descriptor) {
    if (descriptor.startsWith("(")) {
      add(needed, MethodTypeDesc.ofDescriptor(descriptor));
    } else {
      add(needed, ClassDesc.ofDescriptor(descriptor));
    }
  }

  private static void add(Set<String> needed, MethodTypeDesc method) {
    add(needed, method.returnType());
    method.parameterList().forEach(type -> add(needed, type));
  }

  private static void add(Set<String> needed, ClassDesc type) {
    ClassDesc element = type;
    while (element.isArray()) {
      element = element.componentType();
    }
    if (element.isClassOrInterface()) {
      needed.add(element.packageName());
    }
  }
}
