#include <gelf.h>
#include <string.h>

#include "libsim/load.h"

static enum sim_err add_segment(const char *name, size_t len, uint64_t ram_bytes, const GElf_Phdr *ph, struct load_elf *out)
{
    if (ph->p_memsz == 0)
        return SIM_OK;
    if (ph->p_filesz > ph->p_memsz || ph->p_offset > len || ph->p_filesz > len - ph->p_offset)
        return sim_fail(SIM_ERR_FORMAT, "%s: a segment lies outside the file: truncated?", name);
    if (ph->p_paddr >= ram_bytes || ph->p_memsz > ram_bytes - ph->p_paddr)
        return sim_fail(SIM_ERR_FORMAT, "%s: the segment at physical 0x%llx (0x%llx bytes) does not fit into %llu MiB of memory: more with -m?", name,
                        (unsigned long long)ph->p_paddr, (unsigned long long)ph->p_memsz, (unsigned long long)(ram_bytes >> 20));
    if (ph->p_paddr < 0x100000 && ph->p_paddr + ph->p_memsz > 0x9fc00)
        return sim_fail(SIM_ERR_FORMAT, "%s: the segment at physical 0x%llx (0x%llx bytes) reaches into 0x9FC00-0xFFFFF, where no memory is", name,
                        (unsigned long long)ph->p_paddr, (unsigned long long)ph->p_memsz);
    for (unsigned n = 0; n < out->segments; n++)
        if (ph->p_paddr < out->segment[n].paddr + out->segment[n].mem_bytes && out->segment[n].paddr < ph->p_paddr + ph->p_memsz)
            return sim_fail(SIM_ERR_FORMAT, "%s: two segments overlap at physical 0x%llx", name, (unsigned long long)ph->p_paddr);
    if (out->segments == LOAD_MAX_SEGMENTS)
        return sim_fail(SIM_ERR_FORMAT, "%s: more than %u segments", name, LOAD_MAX_SEGMENTS);
    out->segment[out->segments++] = (struct load_segment){ ph->p_paddr, ph->p_offset, ph->p_filesz, ph->p_memsz };
    return SIM_OK;
}

/* The entry is a virtual address: its physical one is found through the segment that holds it. */
static bool physical_entry(const GElf_Phdr *ph, uint64_t entry, uint64_t *out)
{
    if (ph->p_type != PT_LOAD || entry < ph->p_vaddr || entry - ph->p_vaddr >= ph->p_memsz)
        return false;
    *out = ph->p_paddr + (entry - ph->p_vaddr);
    return true;
}

static enum sim_err parse(Elf *elf, const char *name, size_t len, uint64_t ram_bytes, struct load_elf *out)
{
    GElf_Ehdr eh;
    size_t count, shnum = 0, shstrndx = 0;
    bool found = false, physical = false;

    if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &eh) || elf_getphdrnum(elf, &count) != 0)
        return sim_fail(SIM_ERR_FORMAT, "%s: damaged ELF headers", name);
    if (count && eh.e_phentsize != gelf_fsize(elf, ELF_T_PHDR, 1, EV_CURRENT))
        return sim_fail(SIM_ERR_FORMAT, "%s: damaged ELF headers: program headers of %u bytes", name, eh.e_phentsize);
    if ((eh.e_machine != EM_386 && eh.e_machine != EM_X86_64) || eh.e_ident[EI_DATA] != ELFDATA2LSB)
        return sim_fail(SIM_ERR_FORMAT, "%s: not an x86 ELF file", name);
    for (size_t n = 0; n < count; n++) {
        GElf_Phdr ph;
        enum sim_err err;

        if (!gelf_getphdr(elf, (int)n, &ph))
            return sim_fail(SIM_ERR_FORMAT, "%s: damaged program headers: truncated?", name);
        if (ph.p_type != PT_LOAD)
            continue;
        err = add_segment(name, len, ram_bytes, &ph, out);
        if (err)
            return err;
        found |= physical_entry(&ph, eh.e_entry, &out->entry);
        physical |= eh.e_entry >= ph.p_paddr && eh.e_entry - ph.p_paddr < ph.p_memsz;
    }
    if (!out->segments)
        return sim_fail(SIM_ERR_FORMAT, "%s: nothing to load in this ELF file", name);
    if (physical) /* linked at a high address, with a physical entry point: xv6 and its like */
        out->entry = eh.e_entry;
    else if (!found)
        return sim_fail(SIM_ERR_FORMAT, "%s: the entry point 0x%llx lies in no segment", name, (unsigned long long)eh.e_entry);
    out->is64 = eh.e_ident[EI_CLASS] == ELFCLASS64;
    if (elf_getshdrnum(elf, &shnum) == 0 && elf_getshdrstrndx(elf, &shstrndx) == 0 && eh.e_shoff && eh.e_shentsize &&
        shnum < 4096 && eh.e_shoff <= len && (uint64_t)shnum * eh.e_shentsize <= len - eh.e_shoff) {
        out->shoff = eh.e_shoff;
        out->shnum = (uint32_t)shnum;
        out->shentsize = eh.e_shentsize;
        out->shstrndx = (uint32_t)shstrndx;
    }
    return SIM_OK;
}

enum sim_err load_elf_parse(const char *name, const uint8_t *image, size_t len, uint64_t ram_bytes, struct load_elf *out)
{
    Elf *elf;
    enum sim_err err;

    memset(out, 0, sizeof(*out));
    if (elf_version(EV_CURRENT) == EV_NONE)
        return sim_fail(SIM_ERR_UNSUPPORTED, "libelf is too old");
    elf = elf_memory((char *)image, len); /* reads only */
    err = parse(elf, name, len, ram_bytes, out);
    elf_end(elf);
    return err;
}
