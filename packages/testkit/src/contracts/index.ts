export * from './files-contract.ts'
export * from './network-contract.ts'
export * from './offload-contract.ts'
