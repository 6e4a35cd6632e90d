# 알림과 메일의 글. 제목과 내용은 잠금 화면에도 보이므로 이름이나 건강에 관한 내용을 쓰지 않습니다.
# <템플릿>-title, -message: 앱·푸시·문자. <템플릿>-mail-subject, -mail-body: 메일에서 다르게 쓸 때.

## 이 버전이 모르는 소식
other-title = 새로운 소식이 있어요
other-message = 앱에서 확인해 주세요.

## 모든 메일
other-mail-button = 앱에서 보기
other-mail-address = 버튼이 눌리지 않으면 아래 주소를 브라우저에 붙여 넣어 주세요.
other-mail-foot = aipoten에서 보내 드린 발신 전용 메일이며, 회신은 확인하지 않습니다.
other-mail-unsubscribe = 이런 알림은 메일로 받지 않기

## 계정
welcome-title = aipoten에 오신 것을 환영해요
welcome-message = 보내 드린 메일에서 이메일 주소를 인증하면 모든 기능을 이용할 수 있어요.
verify_email-mail-subject = 이메일 주소를 인증해 주세요
verify_email-mail-body =
    aipoten에 가입해 주셔서 감사합니다. 아래 버튼을 눌러 이메일 주소를 인증해 주세요. 이 링크는 { $expires_at }까지 쓸 수 있습니다.

    가입하신 적이 없다면 이 메일은 무시하셔도 됩니다.
verify_email-mail-button = 이메일 인증하기
reset_password-mail-subject = 비밀번호를 다시 설정해 주세요
reset_password-mail-body =
    비밀번호 재설정 요청을 받았습니다. 아래 버튼을 눌러 새 비밀번호를 정해 주세요. 이 링크는 { $expires_at }까지 한 번만 쓸 수 있습니다.

    요청하신 적이 없다면 이 메일은 무시하셔도 됩니다. 비밀번호는 그대로 유지됩니다.
reset_password-mail-button = 새 비밀번호 정하기
change_email-mail-subject = 새 이메일 주소를 확인해 주세요
change_email-mail-body =
    aipoten 계정의 이메일을 이 주소로 바꾸려는 요청을 받았습니다. 아래 버튼을 누르면 변경이 끝납니다. 이 링크는 { $expires_at }까지 쓸 수 있습니다.

    요청하신 적이 없다면 이 메일은 무시하셔도 됩니다.
change_email-mail-button = 이메일 변경하기
erasure_requested-title = 탈퇴 요청을 받았어요
erasure_requested-message = { $due_at }에 계정과 모든 정보가 삭제돼요. 마음이 바뀌면 그 전에 로그인해 주세요.
erasure_requested-mail-subject = 탈퇴 요청을 받았습니다
erasure_requested-mail-body =
    회원 탈퇴 요청을 받았습니다. { $due_at }에 계정과 아이의 기록을 포함한 모든 정보가 삭제되며, 되돌릴 수 없습니다. 법에서 보관하도록 정한 결제 기록은 이름 없이 남습니다.

    마음이 바뀌셨다면 그 전에 로그인해 주세요. 로그인하면 탈퇴 요청이 취소됩니다.
security_alert-title = { $kind ->
    [new_device] 새로운 기기에서 로그인했어요
    [password_changed] 비밀번호가 변경되었어요
    [password_reset] 비밀번호가 다시 설정되었어요
    [email_changed] 이메일 주소가 변경되었어요
    [mfa_removed] 2단계 인증이 해제되었어요
    [refresh_reused] 안전을 위해 로그아웃했어요
    [locked] 로그인이 잠시 잠겼어요
   *[other] 계정 보안을 확인해 주세요
}
security_alert-message = { $kind ->
    [refresh_reused] 로그인 정보가 다른 곳에서 쓰인 흔적이 있어 해당 기기를 로그아웃했어요. 비밀번호를 바꿔 주세요.
    [locked] 비밀번호가 여러 번 틀려 잠시 잠갔어요. 본인이 아니라면 비밀번호를 바꿔 주세요.
   *[other] 본인이 아니라면 바로 비밀번호를 바꾸고 로그인된 기기를 확인해 주세요.
}

## 치료사
therapist_applied-title = 치료사 심사 요청이 있어요
therapist_applied-message = 새로운 신청서와 자격 서류를 확인해 주세요.
therapist_approved-title = 활동이 승인되었어요
therapist_approved-message = 이제 보호자들이 프로필을 보고 상담을 요청할 수 있어요. 상담 가능한 시간을 확인해 주세요.
therapist_rejected-title = 심사 결과를 알려 드려요
therapist_rejected-message = 이번 신청은 승인되지 않았어요. 사유를 확인하고 보완해서 다시 신청할 수 있어요.
therapist_suspended-title = 활동이 중지되었어요
therapist_suspended-message = 프로필이 더 이상 보이지 않아요. 사유를 확인해 주세요.
own_therapist_suspended-title = 담당 치료사의 활동이 중지되었어요
own_therapist_suspended-message = 남은 상담을 취소하면 전액 환불돼요. 패키지에서 확인해 주세요.
licence_expiring-title = 자격 서류가 곧 만료돼요
licence_expiring-message = { $expires_on }까지 유효해요. 그 전에 새 서류를 올려 주세요.

## 요청과 패키지
request_created-title = 새로운 상담 요청이 왔어요
request_created-message = 내용을 확인하고 기한 안에 답변해 주세요.
request_approved-title = 상담 요청이 수락되었어요
request_approved-message = 상담 시간을 확인하고 결제해 주세요.
request_rejected-title = 상담 요청이 거절되었어요
request_rejected-message = 답변을 확인해 주세요. 다른 치료사에게 요청할 수도 있어요.
request_cancelled-title = 상담 요청이 취소되었어요
request_cancelled-message = 보호자가 요청을 취소했어요.
request_expired-title = 상담 요청이 만료되었어요
request_expired-message = 기한 안에 답변이 없어 요청이 끝났어요.
package_awaiting_payment-title = 결제를 기다리고 있어요
package_awaiting_payment-message = { $due_at }까지 { $amount }원을 결제하면 상담 시간이 확정돼요.
package_expired-title = 결제 기한이 지났어요
package_expired-message = 결제되지 않아 잡아 둔 상담 시간이 풀렸어요.
package_cancelled-title = 패키지가 취소되었어요
package_cancelled-message = { $cancelled_by ->
    [parent] 보호자가 패키지를 취소했어요. 환불 내용을 확인해 주세요.
    [therapist] 치료사가 패키지를 취소했어요. 환불 내용을 확인해 주세요.
   *[platform] 패키지가 취소되었어요. 환불 내용을 확인해 주세요.
}
package_completed-title = 패키지를 모두 사용했어요
package_completed-message = 그동안의 리포트를 확인하고 다음 상담을 이어 가 보세요.

## 상담
consultation_scheduled-title = 상담 일정이 정해졌어요
consultation_scheduled-message = 일정을 확인해 주세요.
consultation_rescheduled-title = 상담 시간이 변경되었어요
consultation_rescheduled-message = 새로운 시간: { $starts_at }
consultation_unscheduled-title = 상담 시간을 다시 정해 주세요
consultation_unscheduled-message = 정해진 시간이 취소되었고 회차는 그대로 남아 있어요. 다른 시간을 골라 주세요.
consultation_started-title = 상담이 시작되었어요
consultation_started-message = 지금 참여해 주세요.
consultation_completed-title = 상담이 끝났어요
consultation_completed-message = 상담은 어떠셨나요? 후기를 남겨 주세요.
report_due-title = 상담 리포트를 작성해 주세요
report_due-message = 리포트를 제출하면 이번 회차가 정산돼요.
consultation_no_show-title = 상담에 참여하지 않은 것으로 기록되었어요
consultation_no_show-message = 사실과 다르면 7일 안에 이의를 제기할 수 있어요.
consultation_disputed-title = 상담에 이의가 제기되었어요
consultation_disputed-message = 관리자가 확인하는 동안 이 회차의 정산은 보류돼요.
dispute_opened-title = 상담에 이의가 제기되었어요
dispute_opened-message = 내용을 확인하고 처리해 주세요.
consultation_cancelled-title = 상담이 취소되었어요
consultation_cancelled-message = { $cancelled_by ->
    [parent] 보호자가 상담을 취소했어요. 자세한 내용을 확인해 주세요.
    [therapist] 치료사가 상담을 취소했어요. 자세한 내용을 확인해 주세요.
   *[platform] 상담이 취소되었어요. 자세한 내용을 확인해 주세요.
}
report_submitted-title = 상담 리포트가 도착했어요
report_submitted-message = 상담 내용과 집에서 할 수 있는 활동을 확인해 보세요.
schedule_change_requested-title = 상담 시간 변경 요청이 왔어요
schedule_change_requested-message = 원하는 시간을 확인하고 답변해 주세요.
schedule_change_resolved-title = { $status ->
    [approved] 시간 변경 요청이 수락되었어요
    [rejected] 시간 변경 요청이 거절되었어요
   *[cancelled] 시간 변경 요청이 취소되었어요
}
schedule_change_resolved-message = 상담 일정을 확인해 주세요.
review_posted-title = 새로운 후기가 등록되었어요
review_posted-message = 후기를 읽고 답글을 남겨 보세요.
reminder_day-title = 다가오는 상담이 있어요
reminder_day-message = { $starts_at }에 시작해요.
reminder_hour-title = 곧 상담이 시작돼요
reminder_hour-message = { $starts_at }에 시작해요.

## 결제와 정산
payment_completed-title = 결제가 완료되었어요
payment_completed-message = { $amount }원이 결제되었어요. 영수증을 확인할 수 있어요.
payment_failed-title = 결제가 되지 않았어요
payment_failed-message = 청구된 금액은 없어요. 다른 결제 수단으로 다시 시도해 주세요.
payment_expired-title = 결제가 끝나지 않았어요
payment_expired-message = 시간이 지나 결제가 취소되었고 청구된 금액은 없어요. 다시 결제할 수 있어요.
payment_reversed-title = 입금이 취소되었어요
payment_reversed-message = 다시 결제할 때까지 패키지를 쓸 수 없어요. 결제 내용을 확인해 주세요.
refund_completed-title = 환불이 완료되었어요
refund_completed-message = { $amount }원이 환불되었어요. 결제 수단에 따라 며칠 뒤에 확인될 수 있어요.
refund_delayed-title = 환불을 확인하고 있어요
refund_delayed-message = { $amount }원의 환불이 바로 처리되지 않아 담당자가 확인하고 있어요. 끝나면 알려 드릴게요.
refund_failed-title = 처리되지 않은 환불이 있어요
refund_failed-message = { $amount }원의 환불이 거절되었어요. 확인하고 처리해 주세요.
settlement_confirmed-title = 정산이 확정되었어요
settlement_confirmed-message = 정산 내역을 확인해 주세요.
settlement_paid-title = 정산금이 지급되었어요
settlement_paid-message = 정산 명세서를 내려받을 수 있어요.

## 아이
assessment_completed-title = 발달 체크 결과가 나왔어요
assessment_completed-message = 결과와 추천 놀이를 확인해 보세요.
check_opens-title = 발달 체크를 할 시기예요
check_opens-message = { $children ->
    [1] 이번 시기의 발달 체크를 시작할 수 있어요.
   *[other] 아이 { $children }명의 발달 체크를 시작할 수 있어요.
}
check_closes-title = 발달 체크 기간이 2주 남았어요
check_closes-message = { $children ->
    [1] 이번 시기의 발달 체크를 아직 하지 않았어요.
   *[other] 아이 { $children }명의 발달 체크가 아직 남아 있어요.
}
checkup_opens-title = 영유아 건강검진을 받을 수 있는 시기예요
checkup_opens-message = { $children ->
    [1] 가까운 검진 기관에 예약해 보세요.
   *[other] 아이 { $children }명의 검진을 가까운 검진 기관에 예약해 보세요.
}
checkup_closes-title = 영유아 건강검진 기간이 2주 남았어요
checkup_closes-message = { $children ->
    [1] 아직 받지 않았다면 예약해 주세요.
   *[other] 아이 { $children }명의 검진 기간이에요. 아직 받지 않았다면 예약해 주세요.
}
growth_due-title = 키와 몸무게를 기록할 때예요
growth_due-message = { $children ->
    [1] 오늘 재고 성장 곡선을 확인해 보세요.
   *[other] 아이 { $children }명의 키와 몸무게를 재고 성장 곡선을 확인해 보세요.
}
new_videos-title = 새로운 놀이 영상이 올라왔어요
new_videos-message = 놀이 영상 { $videos }편을 확인해 보세요.

## 읽지 않은 알림
unread_summary-mail-subject = 읽지 않은 알림이 { $unread }개 있습니다
unread_summary-mail-body = 지난 며칠 동안 확인하지 않은 알림이 { $unread }개 있습니다. 앱에서 확인해 주세요.
