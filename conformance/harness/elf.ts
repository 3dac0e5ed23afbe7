/** The header of an ELF file is 64 bytes, that of a segment 56 (elf(5)). */
const headerSize = 64;
const segmentSize = 56;

/** Machines of elf(5). */
export const MACHINES = { x86_64: 62, aarch64: 183 } as const;
const OWN_MACHINE = process.arch === 'arm64' ? MACHINES.aarch64 : MACHINES.x86_64;

/**
 * An ELF file whose program interpreter is `loader`, made by hand: a header, one PT_INTERP and the name. If there is no
 * such loader, it looks to the kernel like a program of another distribution.
 */
export function elfWithLoader(loader: string, machine: number = OWN_MACHINE): Buffer {
  const name = Buffer.from(`${loader}\0`);
  const file = Buffer.alloc(headerSize + 2 * segmentSize + name.length);
  file.write('\x7fELF', 'latin1');
  file.writeUInt8(2, 4); // ELFCLASS64
  file.writeUInt8(1, 5); // little-endian
  file.writeUInt8(1, 6);
  file.writeUInt16LE(2, 16); // ET_EXEC
  file.writeUInt16LE(machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(0x400000n, 24); // entry
  file.writeBigUInt64LE(BigInt(headerSize), 32); // program headers
  file.writeUInt16LE(headerSize, 52);
  file.writeUInt16LE(segmentSize, 54);
  file.writeUInt16LE(2, 56);
  const header = (at: number, type: number, offset: bigint, size: bigint): void => {
    file.writeUInt32LE(type, at);
    file.writeUInt32LE(5, at + 4);
    file.writeBigUInt64LE(offset, at + 8);
    file.writeBigUInt64LE(0x400000n + offset, at + 16);
    file.writeBigUInt64LE(0x400000n + offset, at + 24);
    file.writeBigUInt64LE(size, at + 32);
    file.writeBigUInt64LE(size, at + 40);
    file.writeBigUInt64LE(1n, at + 48);
  };
  header(headerSize, 3, 176n, BigInt(name.length)); // PT_INTERP
  header(headerSize + segmentSize, 1, 0n, BigInt(file.length)); // PT_LOAD
  name.copy(file, headerSize + 2 * segmentSize);
  return file;
}
