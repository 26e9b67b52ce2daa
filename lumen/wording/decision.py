"""What the decision page and the sign-in page say: text id to (English, Korean)."""

TEXTS: dict[str, tuple[str, str]] = {
    "sign_in.title": ("Sign in", "로그인"),
    "sign_in.in": ("Sign in", "로그인"),
    "sign_in.out": ("Sign out", "로그아웃"),
    "sign_in.as": ("You are signed in as {actor}.", "{actor}(으)로 로그인되어 있습니다."),
    "sign_in.nobody": ("a reader without a name", "이름 없는 열람자"),
    "sign_in.continue": ("Continue", "계속하기"),
    "sign_in.token": ("API token", "API 토큰"),
    "sign_in.token_hint": (
        "A token of the tokens file, or the API token of this installation. It is not kept in your browser.",
        "토큰 파일에 등록된 토큰 또는 이 설치의 API 토큰을 입력해 주세요. 토큰은 브라우저에 저장되지 않습니다.",
    ),
    "sign_in.name": ("Your e-mail address", "이메일 주소"),
    "sign_in.name_hint": (
        "Only for a token that belongs to nobody. Without it you can read, but not decide.",
        "특정인에게 속하지 않은 토큰을 쓸 때만 필요합니다. 입력하지 않으면 열람만 할 수 있고 결정은 할 수 없습니다.",
    ),
    "sign_in.wrong_token": ("This token opens nothing here.", "이 토큰으로는 로그인할 수 없습니다."),
    "sign_in.other_person": (
        "This token belongs to another person than the address that you gave. Leave the address empty.",
        "이 토큰은 입력하신 주소와 다른 사람의 것입니다. 주소를 비워 두고 다시 시도해 주세요.",
    ),
    "sign_in.bad_name": (
        "This is not the address of a person, such as alice@example.com.",
        "올바른 이메일 주소가 아닙니다. 예: alice@example.com",
    ),
}
