/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.bytebuddy.jar.asm.ClassReader;
import net.bytebuddy.jar.asm.ClassVisitor;
import net.bytebuddy.jar.asm.ClassWriter;
import net.bytebuddy.jar.asm.FieldVisitor;
import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;

/**
 * Puts hooks into one class; a method without a hook is copied as it is. A hook that has no place
 * in the class is left out, and the others are put in.
 *
 * <p>It uses the bytecode reader and writer of Byte Buddy, and not its {@code Advice}: that loads
 * 700 classes, and takes 200 to 300 ms of every JVM's start that opens a socket. What is woven is
 * one static call each, which needs no more.
 */
final class ClassTransformer {
  private final String type;
  private final ClassReader reader;

  /** Those that have a place so far. */
  private final List<Member> members;

  private final Map<Member, String> faults = new HashMap<>();
  private byte[] woven;

  private ClassTransformer(String type, List<Member> members, byte[] bytes) {
    this.type = type;
    this.reader = new ClassReader(bytes);
    this.members = new ArrayList<>(members);
  }

  /** What came of it. */
  static final class Result {
    private final byte[] bytes;
    private final Map<Member, String> faults;

    private Result(byte[] bytes, Map<Member, String> faults) {
      this.bytes = bytes;
      this.faults = faults;
    }

    /** The class with the hooks; null if none has a place. */
    byte[] bytes() {
      return bytes;
    }

    /** Why a hook is not in it, for each that is not. */
    Map<Member, String> faults() {
      return faults;
    }
  }

  /** Puts the hooks of these members in, which are all of that class. */
  static Result transform(String type, List<Member> members, byte[] bytes) throws IOException {
    ClassTransformer one = new ClassTransformer(type, members, bytes);
    one.leaveOutWhatIsNotThere();
    boolean done = one.members.isEmpty();
    while (!done) {
      done = one.weave() || one.members.isEmpty();
    }
    return new Result(one.woven, one.faults);
  }

  /** Returns whether all had a place; those that had none are left out from now on. */
  private boolean weave() {
    ClassWriter writer = new ClassWriter(reader, 0);
    Map<Member, Site> sites = new HashMap<>();
    reader.accept(new Copy(writer, sites), 0);
    boolean all = true;
    for (Map.Entry<Member, Site> site : sites.entrySet()) {
      String fault = site.getValue().fault();
      if (fault != null) {
        faults.put(site.getKey(), fault);
        members.remove(site.getKey());
        all = false;
      }
    }
    woven = all ? writer.toByteArray() : null;
    return all;
  }

  private void leaveOutWhatIsNotThere() throws IOException {
    Set<String> methods = new HashSet<>();
    Set<String> fields = new HashSet<>();
    Declared declared = new Declared(methods, fields);
    reader.accept(declared, ClassReader.SKIP_CODE);
    for (Member member : List.copyOf(members)) {
      String lacks = null;
      if (!methods.contains(member.hook().method())) {
        lacks = member.hook().method();
      }
      for (Load load : member.hook().loads()) {
        String field = load.field() == null ? null : load.field() + " " + load.descriptor();
        if (field != null && !fields.contains(field) && !isInherited(field)) {
          lacks = field;
        }
      }
      if (lacks != null) {
        faults.put(member, "has no " + lacks);
        members.remove(member);
      }
    }
  }

  private boolean isInherited(String field) throws IOException {
    Set<String> fields = new HashSet<>();
    String above = reader.getSuperName();
    while (above != null && !fields.contains(field)) {
      try (InputStream in = ClassLoader.getSystemResourceAsStream(above + ".class")) {
        ClassReader superclass = new ClassReader(in);
        superclass.accept(new Declared(new HashSet<>(), fields), ClassReader.SKIP_CODE);
        above = superclass.getSuperName();
      }
    }
    return fields.contains(field);
  }

  /**
   * Collects what a class declares: methods by name and descriptor, fields with a space between.
   */
  private static final class Declared extends ClassVisitor {
    private final Set<String> methods;
    private final Set<String> fields;

    Declared(Set<String> methods, Set<String> fields) {
      super(Weaving.API);
      this.methods = methods;
      this.fields = fields;
    }

    @Override
    public FieldVisitor visitField(
        int access, String name, String descriptor, String signature, Object value) {
      fields.add(name + " " + descriptor);
      return null;
    }

    @Override
    public MethodVisitor visitMethod(
        int access, String name, String descriptor, String signature, String[] exceptions) {
      // What has no code has no place for a hook.
      if ((access & (Opcodes.ACC_NATIVE | Opcodes.ACC_ABSTRACT)) == 0) {
        methods.add(name + descriptor);
      }
      return null;
    }
  }

  private final class Copy extends ClassVisitor {
    private final Map<Member, Site> sites;

    Copy(ClassWriter to, Map<Member, Site> sites) {
      super(Weaving.API, to);
      this.sites = sites;
    }

    @Override
    public MethodVisitor visitMethod(
        int access, String name, String descriptor, String signature, String[] exceptions) {
      MethodVisitor to = super.visitMethod(access, name, descriptor, signature, exceptions);
      for (Member member : members) {
        if (member.hook().method().equals(name + descriptor)) {
          Site site = new Site(type, member.hook());
          sites.put(member, site);
          to = member.hook().weaving(to, site);
        }
      }
      return to;
    }
  }
}
