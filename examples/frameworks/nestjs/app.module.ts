import "reflect-metadata";
import type { AccessToken } from "@certbound/core";
import { Controller, Get, Module } from "@nestjs/common";
import { APP_GUARD } from "@nestjs/core";
import { AccessTokenGuard, Scopes, Token } from "./access-token.guard.js";

@Controller("accounts")
class AccountsController {
  @Get()
  @Scopes("read")
  list(@Token() { claims }: AccessToken) {
    return { client: claims.client_id };
  }
}

@Module({
  controllers: [AccountsController],
  providers: [{ provide: APP_GUARD, useClass: AccessTokenGuard }], // protects all routes, including those without @Scopes
})
export class AppModule {}
