#include "cpu/simd_fp.h"

/* SDM Vol. 1, "SIMD floating-point exceptions"; Vol. 2A, "#XM" and "#UD" of the exception classes. */
static _Noreturn void raise_xm(struct cpu *cpu, const struct cpu_insn *i, uint8_t flags)
{
    cpu->cur = i;
    cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_REGISTER, .value = cpu->mxcsr };
    if (!(cpu->cr4 & CR4_OSXMMEXCPT))
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_XMUNMASKED);
    cpu_raise(cpu, VEC_XM, 0, flags & (FP_IE | FP_DE | FP_ZE) ? CPU_CAUSE_XM_PRE : CPU_CAUSE_XM_POST);
}

uint8_t simd_fp_raise_unmasked(struct cpu *cpu, const struct cpu_insn *i, const struct fp_env *env)
{
    uint8_t flags = fp_raised(env) & FP_ALL;

    if (flags & ~env->masked) {
        cpu->mxcsr |= flags;
        raise_xm(cpu, i, flags & (uint8_t)~env->masked);
    }
    return flags;
}

void simd_fp_check(struct cpu *cpu, const struct cpu_insn *i, const struct fp_env *env)
{
    cpu->mxcsr |= simd_fp_raise_unmasked(cpu, i, env);
}

void simd_fp_run(struct cpu *cpu, const struct cpu_insn *i, struct simd_fp_form form, simd_fp_body *body, const void *b)
{
    struct fp_env env = simd_fp_env(cpu);
    union cpu_vector *d = &cpu->vector[i->dst], r = { .q = { 0 } };
    const union cpu_vector *a = form.kind == SIMD_SSE ? d : &cpu->vector[insn_vvvv(i)];

    if (form.rest == REST_FIRST)
        memcpy(&r, a, 16);
    else if (form.rest == REST_DESTINATION)
        memcpy(&r, d, form.kind == SIMD_AVX256 ? 32 : 16);
    body(&env, i, &r, a, b, form.count);
    simd_fp_check(cpu, i, &env);
    memcpy(d, &r, form.kind == SIMD_SSE ? 16 : 32);
}
