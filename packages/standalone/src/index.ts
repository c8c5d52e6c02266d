export { bannerOf, type Endpoints } from './banner.ts'
export * from './settings.ts'
