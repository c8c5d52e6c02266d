export { loadTls, verifyTls } from './tls.ts'
