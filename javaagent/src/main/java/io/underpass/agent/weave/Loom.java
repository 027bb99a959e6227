package io.underpass.agent.weave;

import io.underpass.agent.hooks.Hooks;
import io.underpass.agent.weave.Target.Hook;
import java.util.HashSet;
import java.util.Set;
import java.util.jar.JarFile;
import net.bytebuddy.ByteBuddy;
import net.bytebuddy.asm.Advice;
import net.bytebuddy.asm.AsmVisitorWrapper;
import net.bytebuddy.description.field.FieldDescription;
import net.bytebuddy.description.method.MethodDescription;
import net.bytebuddy.description.type.TypeDescription;
import net.bytebuddy.dynamic.ClassFileLocator;
import net.bytebuddy.dynamic.DynamicType;
import net.bytebuddy.dynamic.scaffold.MethodGraph;
import net.bytebuddy.dynamic.scaffold.TypeValidation;
import net.bytebuddy.implementation.Implementation;
import net.bytebuddy.implementation.bytecode.StackManipulation;
import net.bytebuddy.implementation.bytecode.member.MethodInvocation;
import net.bytebuddy.matcher.ElementMatcher;
import net.bytebuddy.pool.TypePool;

/**
 * Weaves one class. The only user of Byte Buddy.
 *
 * <p>Types are described from class files, never by loading them: the class that is woven is being
 * loaded just now.
 */
final class Loom {
  private final Target target;
  private final ClassFileLocator locator;
  private final TypePool pool;

  /** With the class file of the target, and the agent's jar, which holds the advice. */
  Loom(Target target, byte[] bytes, JarFile jar) {
    this.target = target;
    this.locator =
        new ClassFileLocator.Compound(
            ClassFileLocator.Simple.of(target.type(), bytes),
            new ClassFileLocator.ForJarFile(jar),
            ClassFileLocator.ForClassLoader.ofBootLoader());
    this.pool = TypePool.Default.of(locator);
  }

  byte[] weave() {
    TypeDescription type = pool.describe(target.type()).resolve();
    check(type);
    DynamicType.Builder<?> builder =
        new ByteBuddy()
            .with(TypeValidation.DISABLED)
            .with(MethodGraph.Compiler.ForDeclaredMethods.INSTANCE)
            .with(Implementation.Context.Disabled.Factory.INSTANCE)
            .decorate(type, locator);
    for (Hook hook : target.hooks()) {
      TypeDescription advice = pool.describe(hook.advice().getName()).resolve();
      builder =
          builder.visit(
              Advice.to(advice, locator)
                  .withExceptionHandler(count())
                  .on(new Exactly(hook.method())));
    }
    NetCalls calls = new NetCalls();
    for (String method : target.netCalls()) {
      builder =
          builder.visit(
              new AsmVisitorWrapper.ForDeclaredMethods().method(new Exactly(method), calls));
    }
    byte[] woven = builder.make().getBytes();
    if (calls.found() != target.netCalls().size()) {
      throw new IllegalStateException(
          "has " + calls.found() + " of " + target.netCalls().size() + " calls that matter");
    }
    return woven;
  }

  /** A class that lacks one member that matters is not woven at all. */
  private void check(TypeDescription type) {
    Set<String> members = new HashSet<>();
    for (FieldDescription.InDefinedShape field : type.getDeclaredFields()) {
      members.add(field.getName() + " " + field.getDescriptor());
    }
    for (MethodDescription.InDefinedShape method : type.getDeclaredMethods()) {
      members.add(method.getInternalName() + method.getDescriptor());
    }
    Set<String> needed = new HashSet<>(target.fields());
    needed.addAll(target.netCalls());
    for (Hook hook : target.hooks()) {
      needed.add(hook.method());
    }
    needed.removeAll(members);
    if (!needed.isEmpty()) {
      throw new IllegalStateException("has no " + needed);
    }
  }

  /** What becomes of an error in advice: {@link Hooks#suppressed(Throwable)}. */
  private StackManipulation count() {
    TypeDescription hooks = pool.describe(Hooks.class.getName()).resolve();
    return MethodInvocation.invoke(
        hooks
            .getDeclaredMethods()
            .filter(new Exactly("suppressed(Ljava/lang/Throwable;)V"))
            .getOnly());
  }

  /** Matches one method by internal name and descriptor. */
  private record Exactly(String nameAndDescriptor) implements ElementMatcher<MethodDescription> {
    @Override
    public boolean matches(MethodDescription method) {
      return nameAndDescriptor.startsWith(method.getInternalName())
          && nameAndDescriptor.equals(method.getInternalName() + method.getDescriptor());
    }
  }
}
